import type { Screen } from '../Screen.js';
import { agentAgreementScreens, agreementScreens } from './agreements.js';
import { developerScreens } from './developer.js';
import { gatewayScreens } from './gateway.js';
import { operatorScreens } from './operator.js';
import { organizationScreens } from './organizations.js';
import { ownScreens } from './own.js';
import { requestScreens } from './requests.js';
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
  ...requestScreens,
];
