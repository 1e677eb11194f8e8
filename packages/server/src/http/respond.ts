import { statusOf, type Endpoint } from '@agentpay/api';
import type { Request, Response } from 'express';
import { sendJson } from './sendJson.js';

/** Writes a success in the form that the endpoint declares. Nothing of it is cached. */
export function respond(
  endpoint: Endpoint,
  wire: Record<string, unknown>,
  request: Request,
  response: Response,
): void {
  response.setHeader('Cache-Control', 'no-store');
  if (endpoint.deprecated) {
    // RFC 9745: the moment since when, in Unix seconds
    response.setHeader('Deprecation', `@${Date.parse(endpoint.deprecated.since) / 1000}`);
  }
  response.status(endpoint.also?.when(wire) ? endpoint.also.status : statusOf(endpoint, wire));
  switch (endpoint.kind) {
    case 'redirect':
      return void response.setHeader('Location', String(wire['location'])).end();
    case 'text':
      return void response.setHeader('Content-Type', endpoint.contentType).end(String(wire['text']));
    case 'binary':
      response.setHeader('Content-Type', endpoint.contentType);
      return void response.end(Buffer.from(String(wire['bytes']), 'base64'));
    case 'page':
      return respondPage(endpoint, wire, request, response);
    case 'stream':
    case 'json':
      return sendJson(response, wire);
  }
}

/** A page in the form that `Accept` ranks highest; a client that takes anything gets JSON where there is that, else HTML. */
function respondPage(
  { htmlInJson, markdown }: Endpoint,
  wire: Record<string, unknown>,
  request: Request,
  response: Response,
): void {
  const forms = [...(htmlInJson ? ['json'] : []), 'html', ...(markdown ? ['text/markdown'] : [])];
  if (forms.length > 1) response.vary('Accept');
  const form = forms.length > 1 && request.accepts(forms);
  if (form === 'json') return sendJson(response, { html: wire['html'] });
  if (form === 'text/markdown')
    return void response.type('text/markdown; charset=utf-8').send(String(wire['markdown']));
  if (form === false && htmlInJson) return sendJson(response, { html: wire['html'] });
  response.type('html').send(String(wire['html']));
}
