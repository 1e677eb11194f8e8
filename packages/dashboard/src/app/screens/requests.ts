import { areaBase, type Area } from '../api.js';
import type { Screen } from '../Screen.js';
import { requestColumns } from '../Trace.js';
import { listed } from './listed.js';

const areas: readonly (readonly [Area, list: string, one: string, intro: string])[] = [
  ['session', 'Requests', 'Request', 'What you and your agents asked the API for.'],
  ['agent', 'Requests of the agent', 'Request of the agent', 'What this agent asked the API for.'],
  ['gateway', 'Requests of the gateway', 'Request of the gateway', 'What this gateway asked the API for.'],
  ['developer', 'Requests of the developer', 'Request of the developer', 'What you asked the API for.'],
  ['operator', 'Requests of all', 'Request of anybody', 'What was asked of the API, by anybody.'],
];

/** What was asked of the API, as each area sees it. */
export const requestScreens: readonly Screen[] = areas.flatMap(([area, list, one, intro]): Screen[] => {
  const base = areaBase(area);
  return [
    {
      path: `${base}/requests`,
      title: list,
      area,
      intro: `${intro} Requests that changed something or were refused are kept for 30 days, without their bodies.`,
      table: {
        columns: requestColumns(base),
        empty: 'Nothing was asked for yet.',
        load: listed('requests', ({ web }, query) => web.requests.list(query)),
      },
    },
    {
      path: `${base}/requests/:request`,
      title: one,
      area,
      facts: {
        async load({ web }, { request = '' }) {
          const { made, named, ...facts } = await web.requests.get({ id: request });
          return { ...facts, made: joined(made), named_in_its_path: joined(named) };
        },
        kinds: { path: 'code', endpoint: 'code', made: 'code', named_in_its_path: 'code' },
      },
    },
  ];
});

const joined = (ids: readonly string[]) => (ids.length === 0 ? null : ids.join(' '));
