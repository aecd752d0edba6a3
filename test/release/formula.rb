# Installs a formula as Homebrew does it, as far as a formula of this project needs it, and runs its test:
#   ruby formula.rb FORMULA macos|linux arm|intel FOLDER_OF_ARCHIVES PREFIX [test]
# What Homebrew offers and this does not is an error.

require "digest"
require "fileutils"
require "open3"
require "pathname"
require "tmpdir"

FORMULA, SYSTEM, PROCESSOR, ARCHIVES, PREFIX, TEST = ARGV

module OS
  def self.linux? = SYSTEM == "linux"
end

class Pathname
  def install(*files)
    mkpath
    files.each do |file|
      names = file.is_a?(Hash) ? file : { file => File.basename(file) }
      names.each { |source, name| FileUtils.mv(source, self + name) }
    end
  end

  def install_symlink(target)
    mkpath
    FileUtils.ln_s(target, self + target.basename)
  end
end

class Formula
  class << self
    attr_reader :facts, :test_block

    %i[desc homepage license url sha256].each do |name|
      define_method(name) { |value| (@facts ||= {})[name] = value }
    end
    %i[on_macos on_linux on_arm on_intel].each do |name|
      define_method(name) { |&block| block.call if [SYSTEM, PROCESSOR].include?(name.to_s.delete_prefix("on_")) }
    end

    def test(&block) = @test_block = block
  end

  def prefix = Pathname(PREFIX)
  def bin = prefix/"bin"
  def libexec = prefix/"libexec"
  def doc = prefix/"share/doc/docker-credential-acr"
  def man1 = prefix/"share/man/man1"
  def bash_completion = prefix/"etc/bash_completion.d"
  def zsh_completion = prefix/"share/zsh/site-functions"
  def fish_completion = prefix/"share/fish/vendor_completions.d"
  # Homebrew takes it from an address at GitHub.
  def version = self.class.facts[:url][%r{github\.com/.+/releases/download/v(\d+(?:\.\d+)+)/}, 1] || raise("no version")

  def shell_output(command, wanted = 0) = pipe_output(command, "", wanted)

  def pipe_output(command, input, wanted)
    output, status = Open3.capture2(command, stdin_data: input)
    raise "#{command} ended with #{status.exitstatus}: #{output}" if status.exitstatus != wanted

    output
  end

  def assert_match(wanted, text)
    raise "#{text} does not contain #{wanted}" unless text.include?(wanted)
  end
end

load FORMULA
# The name of the file decides which class Homebrew looks for.
formula = Object.const_get(File.basename(FORMULA, ".rb").split("-").map(&:capitalize).join).new
facts = formula.class.facts
raise "a fact is missing: #{facts}" if facts.size != 5

archive = File.expand_path(File.basename(facts[:url]), ARCHIVES)
raise "#{archive} has another sum" if Digest::SHA256.file(archive).hexdigest != facts[:sha256]

Dir.mktmpdir do |folder|
  system("tar", "-xf", archive, "-C", folder, exception: true)
  # Homebrew goes into the only folder of an archive.
  only, *others = Dir.children(folder)
  raise "an archive with more than a folder" if others.any?

  Dir.chdir(File.join(folder, only)) { formula.install }
  ENV["HOME"] = folder
  formula.instance_eval(&formula.class.test_block) if TEST
end
puts formula.caveats
