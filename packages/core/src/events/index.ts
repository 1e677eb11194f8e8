export { eventType } from './Event.js';
export type { Event, EventPosition, EventType, ObjectOf } from './Event.js';
export { emit, emitIn, get, head, history, latest, oldestAfter, positionOf, read } from './operations.js';
export type { Emission } from './operations.js';
