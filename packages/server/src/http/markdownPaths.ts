import type { NextFunction, Request, Response } from 'express';

const PAGES = /^(\/(?:docs(?:\/[\w./-]+)?|integrations))\.md(\?.*)?$/;

/** A page of the documentation whose path ends in `.md` is the same page as Markdown. */
export function markdownPaths(request: Request, _response: Response, next: NextFunction): void {
  const [, path, query = ''] = PAGES.exec(request.url) ?? [];
  if (path !== undefined) {
    request.url = path + query;
    request.headers.accept = 'text/markdown';
  }
  next();
}
