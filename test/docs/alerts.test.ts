import { readFileSync } from 'node:fs';
import { createMetrics } from '@agentpay/facilitator';
import { parse } from 'yaml';
import { ADMIN_KEY, testApi } from '../families/testApi.js';
import { root } from './codeIn.js';

/** The alert rules, compared with what the programs expose and with the guide. */
interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
}
const read = (name: string) => readFileSync(root(`docs/${name}`), 'utf8');
const { groups } = parse(read('deploy/alerts.yaml')) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);

/** The series that a text of Prometheus has, by their names. */
function seriesIn(text: string): string[] {
  return [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].flatMap(([, name = '', kind]) =>
    kind === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  );
}

it('ask for series that the API and the facilitator expose, and both have some', async () => {
  const api = await testApi();
  const { text: ofApi } = await api.http.get('/metrics').set('x-admin-key', ADMIN_KEY).expect(200);
  await api.close();
  const facilitator = createMetrics({
    balances: async () => new Map(),
    queue: async () => ({ claimed: 0, sent: 0, oldestSeconds: 0 }),
  });
  const exposed = new Set([...seriesIn(ofApi), ...seriesIn((await facilitator.render()).text)]);
  const asked = rules.flatMap(({ expr }) => expr.match(/agentpay_\w+/g) ?? []);
  expect(asked.filter((name) => !exposed.has(name))).toEqual([]);
  for (const program of ['agentpay_api_', 'agentpay_facilitator_'])
    expect(asked.filter((name) => name.startsWith(program)).length).toBeGreaterThan(2);
});

it('each have a section of the guide, and the other way round', () => {
  const sections = [...read('incidents.md').matchAll(/^## (\w+)$/gm)].map(([, name]) => name);
  expect(sections.filter((name) => name !== 'Afterwards')).toEqual(rules.map(({ alert }) => alert));
  for (const { labels } of rules) expect(['page', 'warn']).toContain(labels.severity);
});
