/** The formula for Homebrew. It belongs into a tap of our own. @see https://docs.brew.sh/Formula-Cookbook */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HOMEPAGE, LICENCE, PROGRAM, SUMMARY } from './project.ts';
import {
  findArchives,
  formatMissingArchives,
  type PublishedArchive,
  type PublishedArchives,
} from './published-archive.ts';
import type { Release, StepResult } from './release.ts';

const TARGETS = ['macos-arm64', 'macos-x64', 'linux-arm64', 'linux-x64'] as const;
const EXTENSION = '.tar.xz';

/** Writes the formula when the release has all archives for macOS and Linux. */
export async function makeHomebrewFormula(release: Release): Promise<StepResult> {
  const found = findArchives(release, TARGETS, EXTENSION);
  if ('missing' in found) {
    return { files: [], skipped: [formatMissingArchives('Homebrew formula', found.missing, EXTENSION)] };
  }
  const file = `${PROGRAM}.rb`;
  await writeFile(join(release.output, file), formatFormula(found.archives));
  return { files: [file] };
}

/** Homebrew takes the version from the addresses, and unpacks the only folder of an archive. */
function formatFormula(archives: PublishedArchives<(typeof TARGETS)[number]>): string {
  return `class ${formatClassName(PROGRAM)} < Formula
  desc ${quote(SUMMARY)}
  homepage ${quote(HOMEPAGE)}
  license ${quote(LICENCE)}

  on_macos do
${formatProcessor('on_arm', archives['macos-arm64'])}
${formatProcessor('on_intel', archives['macos-x64'])}
  end

  on_linux do
${formatProcessor('on_arm', archives['linux-arm64'])}
${formatProcessor('on_intel', archives['linux-x64'])}
  end

  def install
    if OS.linux?
      # The executable looks for the library beside the file itself, not beside a link to it.
      libexec.install "${PROGRAM}", "libatomic.so.1"
      bin.install_symlink libexec/"${PROGRAM}"
    else
      bin.install "${PROGRAM}"
    end
    doc.install "THIRD-PARTY-LICENSES.txt"
    man1.install "man/${PROGRAM}.1"
    bash_completion.install "completions/${PROGRAM}.bash" => "${PROGRAM}"
    zsh_completion.install "completions/_${PROGRAM}"
    fish_completion.install "completions/${PROGRAM}.fish"
  end

  def caveats
    <<~EOS
      To use it for a registry:
        ${PROGRAM} configure myregistry.azurecr.io
    EOS
  end

  test do
    assert_match "v#{version}", shell_output("#{bin}/${PROGRAM} version")
    # A registry that is not Azure's is none of its business.
    assert_match "credentials not found", pipe_output("#{bin}/${PROGRAM} get", "registry.example.com", 1)
  end
end
`;
}

function formatProcessor(processor: string, { url, sum }: PublishedArchive): string {
  return `    ${processor} do
      url ${quote(url)}
      sha256 ${quote(sum)}
    end`;
}

/** A string of Ruby in which nothing is replaced. @throws when it would have to be escaped. */
function quote(text: string): string {
  if (/[^ -~]|["\\#]/.test(text)) throw new Error(`Cannot write this into a formula: ${text}`);
  return `"${text}"`;
}

/** Homebrew expects the class of `one-two.rb` to be `OneTwo`. */
function formatClassName(file: string): string {
  return file.replaceAll(/(?:^|-)([a-z])/g, (_, first: string) => first.toUpperCase());
}
