import type { agreements } from '@agentpay/api';
import { newAgent, newService } from '../testApi.js';
import type { Calls } from '../world.js';
import { agreed, by } from './bilateral.js';

export const calls: Calls<typeof agreements.nouns.agreements> = {
  async create({ api }) {
    const service_id = await newService(api, await newAgent(api));
    return { body: { service_id, terms: { cap: '0.50' } } };
  },
  list: () => ({}),
  async get(world) {
    const made = await agreed(world, 'proposed');
    return by(made.seller, made);
  },
  async history(world) {
    const made = await agreed(world, 'proposed');
    return by(made.buyer, made);
  },
  async accept(world) {
    const made = await agreed(world, 'proposed');
    return by(made.seller, made);
  },
  async reject(world) {
    const made = await agreed(world, 'proposed');
    return by(made.seller, made);
  },
  async activationPackage(world) {
    const made = await agreed(world, 'accepted');
    return by(made.buyer, made);
  },
  async activate(world) {
    const made = await agreed(world, 'accepted');
    return by(made.buyer, made);
  },
  async escrowStatus(world) {
    const made = await agreed(world, 'active');
    return by(made.buyer, made);
  },
  async recordUsage(world) {
    const made = await agreed(world, 'active');
    return by(made.seller, made);
  },
  async complete(world) {
    const made = await agreed(world, 'active');
    return by(made.buyer, made);
  },
  async challenge(world) {
    const made = await agreed(world, 'challenge_window');
    return by(made.buyer, made);
  },
};
