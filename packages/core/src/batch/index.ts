export { createBatch } from './engine.js';
export type { Batch, Command, Writer } from './engine.js';
export { entity } from './Entity.js';
export type { Entity, RowWriter, Want } from './Entity.js';
export { migrations } from './migrations.js';
export type { OpenScene, Scene } from './Scene.js';
