import { design, FOR_EVER } from '@agentpay/http';
import type { Express } from 'express';

/** Serves the files that pages share, each under a path that changes with its content. */
export function assetRoutes(app: Express): void {
  for (const { path, type, text } of Object.values(design))
    app.get(path, (_request, response) => {
      response.set({ 'Content-Type': type, 'Cache-Control': FOR_EVER }).end(text);
    });
}
