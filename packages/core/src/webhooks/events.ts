import { z } from 'zod';
import { eventType } from '../events/index.js';

/** The owner of a webhook wants to see a delivery arrive. */
export const testEvent = eventType('webhook.test', { id: z.string(), url: z.string() });
