import { createApiClient, type ApiClient } from '@agentpay/sdk';
import { optionsOf, type Area } from './api.js';

/** The whole API as the holder of this area's credential calls it. */
export const apiOf = (area: Area): ApiClient => createApiClient(optionsOf(area));
