export type { Command } from './Command.js';
export { createBatch } from './engine.js';
export type { AroundBatch, Batch, Writer } from './engine.js';
export { entity } from './Entity.js';
export type { Entity, RowWriter, Want } from './Entity.js';
export { migrations } from './migrations.js';
export type { OpenScene, Scene } from './Scene.js';
