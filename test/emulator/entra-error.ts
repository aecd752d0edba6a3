/** Entra's error answers: AADSTS code, trace and correlation ids, in the exact shape that SDKs parse. */
import { type EmulatedRequest, type EmulatedResponse, jsonResponse } from './message.ts';
import type { Context } from './state.ts';
import type { EntraError } from './state-sign-in.ts';

/** The answer for `error`, with the client's own request id as its correlation id when it sent one. */
export function formatEntraError(error: EntraError, request: EmulatedRequest, context: Context): EmulatedResponse {
  const correlationId = findCorrelationId(request) ?? context.requestId;
  const timestamp = new Date(context.now * 1000).toISOString().replace('T', ' ').replace('.000Z', 'Z');
  return entraResponse(
    error.status ?? 400,
    {
      error: error.error,
      error_description:
        `AADSTS${error.code}: ${error.text} Trace ID: ${context.requestId} ` +
        `Correlation ID: ${correlationId} Timestamp: ${timestamp}`,
      error_codes: [error.code],
      timestamp,
      trace_id: context.requestId,
      correlation_id: correlationId,
      error_uri: `https://${request.host}/error?code=${error.code}`,
      ...(error.suberror === undefined ? {} : { suberror: error.suberror }),
      ...(error.claims === undefined ? {} : { claims: error.claims }),
    },
    context,
    request,
  );
}

/** Any JSON answer of Entra, with the headers that support asks for. */
export function entraResponse(
  status: number,
  value: unknown,
  context: Context,
  request: EmulatedRequest,
): EmulatedResponse {
  const correlationId = findCorrelationId(request);
  return jsonResponse(status, value, {
    'Cache-Control': 'no-store, no-cache',
    Pragma: 'no-cache',
    Expires: '-1',
    'Strict-Transport-Security': 'max-age=31536000; includeSubDomains',
    'X-Content-Type-Options': 'nosniff',
    P3P: 'CP="DSP CUR OTPi IND OTRi ONL FIN"',
    ...(correlationId === undefined ? {} : { 'client-request-id': correlationId }),
    'x-ms-request-id': context.requestId,
  });
}

function findCorrelationId(request: EmulatedRequest): string | undefined {
  return (
    request.form.get('client-request-id') ??
    request.query.get('client-request-id') ??
    request.headers['client-request-id'] ??
    undefined
  );
}
