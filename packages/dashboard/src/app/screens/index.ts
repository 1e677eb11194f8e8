import type { Screen } from '../Screen.js';
import { agentAgreementScreens, agreementScreens } from './agreements.js';
import { developerScreens } from './developer.js';
import { gatewayScreens } from './gateway.js';
import { operatorScreens } from './operator.js';
import { organizationScreens } from './organizations.js';
import { ownScreens } from './own.js';
import { runtimeScreens } from './runtime.js';

/** Every screen that is described as data. */
export const screens: readonly Screen[] = [
  ...ownScreens,
  ...agreementScreens,
  ...runtimeScreens,
  ...agentAgreementScreens,
  ...gatewayScreens,
  ...developerScreens,
  ...organizationScreens,
  ...operatorScreens,
];

type Links = readonly (readonly [string, string])[];

const listed = (list: readonly Screen[]): Links =>
  list.filter((screen) => screen.listed).map(({ path, title }) => [path, title]);

/** The side navigation. */
export const groups: readonly { readonly title: string; readonly links: Links }[] = [
  {
    title: 'Buying',
    links: [
      ['/dashboard', 'Overview'],
      ['/dashboard/agents', 'Agents'],
      ['/dashboard/payments', 'Payments'],
      ['/dashboard/approvals', 'Approvals'],
      ...listed(agreementScreens),
      ...listed(ownScreens),
    ],
  },
  { title: 'An agent by its key', links: listed([...runtimeScreens, ...agentAgreementScreens]) },
  { title: 'A gateway', links: listed(gatewayScreens) },
  { title: 'Developers', links: listed([...developerScreens, ...organizationScreens]) },
  { title: 'Operator', links: listed(operatorScreens) },
];
