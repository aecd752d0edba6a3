/** What is read from a response, and how a refusal is told, whatever the server wrote. */
import { describe, expect, test } from 'vitest';
import {
  describeCorrelation,
  describeResponse,
  type HttpResponse,
  type Refusal,
  readCorrelationId,
} from '../../../src/network/http.ts';
import { createQuote } from '../../../src/redact.ts';
import { makeRuntime } from '../runtime.ts';

function respond(
  changes: Partial<Pick<HttpResponse, 'status' | 'body'>>,
  headers: Readonly<Record<string, string>> = {},
) {
  return {
    status: 400,
    body: '',
    ...changes,
    header: (name: string) => headers[name],
    quote: createQuote(makeRuntime()),
  };
}

describe('readCorrelationId', () => {
  const rows: readonly (readonly [headers: Readonly<Record<string, string>>, id: string | undefined])[] = [
    [{ 'x-ms-correlation-request-id': 'a', 'x-ms-request-id': 'b', 'client-request-id': 'c' }, 'a'],
    [{ 'x-ms-request-id': 'b', 'client-request-id': 'c' }, 'b'],
    [{ 'client-request-id': 'c' }, 'c'],
    [{}, undefined],
    [{ 'x-request-id': 'd' }, undefined],
    [{ 'x-ms-request-id': 'a\u001B[2J\u202Eb' }, 'a [2J b'],
    [{ 'x-ms-request-id': 'x'.repeat(64) }, 'x'.repeat(64)],
    [{ 'x-ms-request-id': 'x'.repeat(100) }, '[redacted]'],
    [{ 'x-ms-request-id': 'é'.repeat(100) }, '…'],
    [{ 'x-ms-request-id': ' \r\n' }, ''],
  ];
  for (const [headers, id] of rows) {
    test(`returns ${JSON.stringify(id)} for ${JSON.stringify(headers)}`, () => {
      expect(readCorrelationId(respond({}, headers))).toBe(id);
    });
  }
});

describe('describeCorrelation', () => {
  const rows: readonly (readonly [id: string | undefined, causes: readonly string[]])[] = [
    ['4f2c8a10-0000-4000-8000-000000000000', ['correlation id 4f2c8a10-0000-4000-8000-000000000000']],
    ['', []],
    [undefined, []],
  ];
  for (const [id, causes] of rows) {
    test(`returns ${JSON.stringify(causes)} for ${JSON.stringify(id)}`, () => {
      expect(describeCorrelation(id)).toEqual(causes);
    });
  }
});

describe('describeResponse returns the words of the service', () => {
  const rows: readonly (readonly [refusal: Refusal, text: string])[] = [
    [{ code: 'UNAUTHORIZED', message: 'authentication required' }, 'HTTP 400 UNAUTHORIZED: authentication required'],
    [{ code: 'invalid_grant', message: undefined }, 'HTTP 400 invalid_grant'],
    [{ code: undefined, message: 'no' }, 'HTTP 400 no'],
    [{ code: '', message: 'no' }, 'HTTP 400 no'],
    [{ code: 'a\nb', message: '\u001B[31mred\u0007\u202E' }, 'HTTP 400 a b: [31mred'],
    [{ code: 'x'.repeat(400), message: 'no' }, 'HTTP 400 [redacted]: no'],
    [{ code: 'é'.repeat(400), message: 'no' }, 'HTTP 400 …: no'],
    [{ code: undefined, message: `${'word '.repeat(100)}` }, `HTTP 400 ${'word '.repeat(60).trim()}…`],
  ];
  for (const [refusal, text] of rows) {
    test(`for ${JSON.stringify(refusal)}`.slice(0, 100), () => {
      expect(describeResponse(respond({ body: 'not quoted' }), refusal)).toBe(text);
    });
  }
});

describe('describeResponse returns the first words of the body, without markup and on one line,', () => {
  const rows: readonly (readonly [body: string, text: string])[] = [
    ['', 'HTTP 400 with an empty body'],
    [' \r\n\t', 'HTTP 400 with an empty body'],
    ['<html><body></body></html>', 'HTTP 400 with an empty body'],
    ['\0\u200B\u202E\uFEFF', 'HTTP 400 with an empty body'],
    ['no', 'HTTP 400: no'],
    ['<!DOCTYPE html>\n<h1>502</h1>\r\n<p class="a">Bad Gateway</p>', 'HTTP 400: 502 Bad Gateway'],
    ['<script\n>alert(1)</script>', 'HTTP 400: alert(1)'],
    ['<never closed', 'HTTP 400: <never closed'],
    ['1 > 2', 'HTTP 400: 1 > 2'],
    ['{"error":"no"}', 'HTTP 400: {"error":"no"}'],
    ['\u001B[2J\u001B]0;title\u0007gone', 'HTTP 400: [2J ]0;title gone'],
    ['abc\u202Etxt.exe', 'HTTP 400: abc txt.exe'],
    ['line\u2028line\u2029line\u0085line', 'HTTP 400: line line line line'],
    ['\uFFFD\uFFFD', 'HTTP 400: \uFFFD\uFFFD'],
    ['word '.repeat(50_000), `HTTP 400: ${'word '.repeat(24).trim()}…`],
    // A part of a token would not be recognised as one.
    ['x'.repeat(250_000), 'HTTP 400: …'],
    [`token=${'x'.repeat(200)}`, 'HTTP 400: [redacted]'],
    [`token=${'é'.repeat(200)}`, 'HTTP 400: …'],
    ['<'.repeat(1_000), 'HTTP 400: …'],
    ['<>'.repeat(100_000), 'HTTP 400: …'],
    [' '.repeat(250_000), 'HTTP 400 with an empty body'],
  ];
  for (const [body, text] of rows) {
    test(`for ${JSON.stringify(body).slice(0, 60)} of ${body.length} characters`, () => {
      expect(describeResponse(respond({ body }))).toBe(text);
    });
  }

  for (const refusal of [
    { code: undefined, message: undefined },
    { code: '', message: '' },
  ]) {
    test(`where the service says nothing: ${JSON.stringify(refusal)}`, () => {
      expect(describeResponse(respond({ status: 503, body: 'busy' }), refusal)).toBe('HTTP 503: busy');
    });
  }
});

describe('describeResponse redacts a secret that the service echoes', () => {
  const quote = createQuote(makeRuntime({ AZURE_CLIENT_SECRET: 'a  secret of <many> words' }));
  const echo = 'a  secret of <many> words';
  const rows: readonly (readonly [what: string, body: string])[] = [
    ['as it is', echo],
    ['in lines', echo.replaceAll(' ', '\n')],
    ['between tags', `<p>${echo.replaceAll('r', '<i>r</i>')}</p>`],
    ['as HTML', echo.replaceAll('<', '&#60;').replaceAll('>', '&#x3E;')],
    ['where the body is cut', `${'word '.repeat(3)}${'<p>'.repeat(1_350)} ${echo}`],
  ];
  for (const [what, body] of rows) {
    test(what, () => {
      for (const refusal of [undefined, { code: body, message: body }]) {
        const text = describeResponse({ ...respond({ body }), quote }, refusal);
        expect(text).not.toMatch(/secret|many|words/);
      }
    });
  }
});

test('describeResponse answers at once for a body of 64 KiB that opens tags and closes none', () => {
  const startedMs = performance.now();
  expect(describeResponse(respond({ body: '<'.repeat(64 * 1024) }))).toBe('HTTP 400: …');
  expect(performance.now() - startedMs).toBeLessThan(500);
});
