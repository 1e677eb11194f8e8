import { statusOf, type Endpoint } from '@agentpay/api';
import type { Request, Response } from 'express';

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
      if (!endpoint.htmlInJson || wantsHtml(request, response))
        return void response.type('html').send(String(wire['html']));
      return void response.json(wire);
    case 'stream':
    case 'json':
      return void response.json(wire);
  }
}

/** Whether `Accept` ranks HTML above JSON; a client that takes anything gets JSON. */
function wantsHtml(request: Request, response: Response): boolean {
  response.vary('Accept');
  return request.accepts(['json', 'html']) === 'html';
}
