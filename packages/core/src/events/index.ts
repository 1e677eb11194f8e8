export type { Event, EventData } from './Event.js';
export { emit, history } from './operations.js';
