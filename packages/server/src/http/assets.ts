import { design, FOR_EVER } from '@agentpay/http';
import type { Express } from 'express';
import { siteFiles } from '../pages/siteFiles.js';

/** Serves the files that pages share, each under a path that changes with its content. */
export function assetRoutes(app: Express): void {
  for (const { path, type, text } of [...Object.values(design), ...Object.values(siteFiles)])
    app.get(path, (_request, response) => {
      response.set({ 'Content-Type': type, 'Cache-Control': FOR_EVER }).end(text);
    });
}
