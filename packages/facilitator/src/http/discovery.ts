import type { Express } from 'express';
import { z } from 'zod';
import type { Catalogue } from '../extensions/Catalogue.js';
import { guard, type Access } from './access.js';
import { readQuery } from './query.js';

const MAX_PAGE = 100;
const text = (max: number) => z.string().min(1).max(max);
const filter = z.object({
  type: text(16).optional(),
  payTo: text(128).optional(),
  scheme: text(64).optional(),
  network: text(64).optional(),
  // Whoever asks for more gets the most there is.
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .default(20)
    .transform((limit) => Math.min(limit, MAX_PAGE)),
  offset: z.coerce.number().int().min(0).max(10_000).default(0),
});
const searchFilter = filter.extend({ query: text(400) });

/** `/discovery/resources` and `/discovery/search`: the bazaar of x402, open to all. */
export function discoveryRoutes(
  app: Express,
  { catalogue, access }: { catalogue: Catalogue; access: Access },
): void {
  app.get('/discovery/resources', guard(access, 'public'), async (req, res) => {
    const wanted = readQuery(filter, req.query);
    const { items, total } = await catalogue.list(wanted);
    res.json({ x402Version: 2, items, pagination: { limit: wanted.limit, offset: wanted.offset, total } });
  });

  app.delete('/discovery/resources', guard(access, 'admin'), async (req, res) => {
    const { resource } = readQuery(z.object({ resource: text(2_048) }), req.query);
    res.json({ delisted: await catalogue.delist(resource) });
  });

  app.get('/discovery/search', guard(access, 'public'), async (req, res) => {
    const { query, ...wanted } = readQuery(searchFilter, req.query);
    const resources = await catalogue.search(query, { ...wanted, offset: 0 });
    res.json({ x402Version: 2, resources, pagination: null });
  });
}
