export { adjustTrust, find, findByEndpoint, get, list, register, setVerified } from './operations.js';
export type { Registration } from './operations.js';
export type { Service, ServicePage } from './Service.js';
