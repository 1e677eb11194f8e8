export { callStatuses } from './Call.js';
export type { CallStatus, GatewayCall } from './Call.js';
export { getCall, listCalls, queue } from './calls.js';
export type { CallRequest } from './calls.js';
export { GATEWAY_CURRENCY } from './Gateway.js';
export type { Gateway, MonthUsage, Quota } from './Gateway.js';
export {
  balance,
  bootstrap,
  create,
  get,
  list,
  provision,
  provisioned,
  register,
  rotateKey,
  self,
  usage,
} from './operations.js';
export {
  authorizedBy,
  claimAddress,
  credit,
  expect as expectPayment,
  giveUp,
  paidBy,
  settleLeft,
} from './chainFundings.js';
export type { ExpectedPayment } from './chainFundings.js';
export { fundingKeys } from './Funding.js';
export type { FundingStatus, GatewayFunding } from './Funding.js';
export { collectDue, fund, getFunding, hear } from './fundings.js';
export type { CardNews } from './fundings.js';
export type { CardCollector, ChainOutcome, CollectionOutcome, GatewayPorts } from './ports.js';
export { endLeft, pickUp, run } from './run.js';
