import { web } from '@agentpay/api';
import { FOR_EVER } from '@agentpay/http';
import { DASHBOARD_BASE } from '@agentpay/dashboard';
import { Router, type Express, type NextFunction, type Request, type Response } from 'express';
import { dashboard, dashboardPage } from '../pages/dashboardPage.js';
import { admit, type AdmitOptions } from './admit.js';
import { rememberFamily } from './errors.js';

/** Parts of the dashboard that are seen with a key which is typed into the page; the page itself holds nothing. */
const BY_KEY = [
  '/dev/dashboard/*path',
  ...['gateway', 'operator', 'runtime'].map((area) => `/dashboard/${area}/*path`),
];

/** Serves the files of the dashboard. */
export function dashboardFileRoutes(app: Express): void {
  app.get(`${DASHBOARD_BASE}:name`, (request, response, next) => {
    const file = dashboard()?.files.find(({ path }) => path === request.path);
    if (!file) return next();
    response.vary('Accept-Encoding').set({ 'Content-Type': file.type, 'Cache-Control': FOR_EVER });
    const encoding = request.acceptsEncodings('br', 'gzip');
    if (encoding !== 'br' && encoding !== 'gzip') return void response.end(file.body);
    response.set('Content-Encoding', encoding).end(file.encoded[encoding]);
  });
}

/**
 * The page at every address within the dashboard that no endpoint has. `/dev/dashboard` is an endpoint, which takes a developer's key in
 * its header; a browser that has none there gets the page, which asks for it.
 */
export function dashboardPageRoutes(app: Express, options: AdmitOptions): void {
  const open = async (request: Request, response: Response) => {
    await admit({ auth: [], optionalAuth: [], rate: 'standard' }, options, request, response);
    send(request, response, false);
  };
  const pages = Router();
  pages.get('/dev/dashboard', async (request: Request, response: Response, next: NextFunction) => {
    const asksForPage = request.get('x-developer-key') === undefined && wantsHtml(request);
    return asksForPage ? open(request, response) : next();
  });
  for (const path of BY_KEY) pages.get(path, open);
  pages.get('/dashboard/*path', async (request, response, next) => {
    if (isEndpoint(request.path)) return next();
    response.locals['endpointKind'] = 'page';
    rememberFamily(response, web);
    await admit({ auth: ['session'], optionalAuth: [], rate: 'standard' }, options, request, response);
    send(request, response, true);
  });
  // Every request comes by here: most see at once that it is not for them.
  app.use((request, response, next) =>
    /^\/(dev\/)?dashboard\//i.test(`${request.path}/`) ? pages(request, response, next) : next(),
  );
}

const isEndpoint = (path: string) => /^\/dashboard\/(dashboard\.js|agents\/[^/]+)$/.test(path);

/** Whether this comes from somebody who opens a page, and not from a program that takes anything. */
function wantsHtml(request: Request): boolean {
  return request.get('accept')?.includes('text/html') ?? false;
}

function send(request: Request, response: Response, signedIn: boolean): void {
  response.locals['endpoint'] = 'web.pages.dashboard';
  response
    .set('Cache-Control', 'no-store')
    .type('html')
    .send(dashboardPage({ path: request.path, signedIn }));
}
