export { checkEndpoint } from './endpoints.js';
export type { EndpointState } from './endpoints.js';
export { find, findByEndpoint, get, list, register, setVerified } from './operations.js';
export type { Registration } from './operations.js';
export type { Service, ServicePage } from './Service.js';
export { serviceRows } from './ServiceStore.js';
export { adjustTrustIn } from './trust.js';
export { endpointOf } from './Service.js';
