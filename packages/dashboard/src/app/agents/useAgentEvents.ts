import { useQueryClient } from '@tanstack/react-query';
import { systemClock } from '@agentpay/primitives';
import { useEffect, useState } from 'react';

/** A browser has six connections to one origin, and a stream keeps one: with more agents the page asks instead. */
const MOST_STREAMS = 3;
/** What happens at once is read once. */
const GATHER_MS = 250;
/** How often is asked where nothing is streamed, and where it is, should an event be lost on its way. */
const ASK_MS = 3_000;
const ASK_ANYWAY_MS = 60_000;

const types = [
  ...['requested', 'approved', 'rejected', 'expired'].map((what) => `approval.${what}`),
  ...['initiated', 'confirmed', 'completed', 'failed', 'rejected'].map((what) => `payment.${what}`),
];

/**
 * Reads the page again when something happens to one of these agents, by server-sent events.
 * @returns after how many milliseconds to ask all the same
 */
export function useAgentEvents(ids: readonly string[]): number {
  const queries = useQueryClient();
  const [open, setOpen] = useState(0);
  const listened = ids.length > MOST_STREAMS ? '' : ids.join(' ');
  useEffect(() => {
    let cancel: (() => void) | undefined;
    const refresh = () => {
      cancel ??= systemClock.timer(GATHER_MS, () => {
        cancel = undefined;
        void queries.invalidateQueries({ queryKey: ['session'] });
      });
    };
    const sources = listened
      .split(' ')
      .filter(Boolean)
      .map((id) => new EventSource(`/api/agents/${encodeURIComponent(id)}/events`));
    const count = () => setOpen(sources.filter(({ readyState }) => readyState === EventSource.OPEN).length);
    for (const source of sources) {
      // What happened before it was open is asked for.
      source.addEventListener('open', () => (count(), refresh()));
      source.addEventListener('error', count);
      for (const type of types) source.addEventListener(type, refresh);
    }
    return () => {
      cancel?.();
      for (const source of sources) source.close();
      setOpen(0);
    };
  }, [listened, queries]);
  return listened !== '' && open === ids.length ? ASK_ANYWAY_MS : ASK_MS;
}
