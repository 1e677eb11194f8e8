/** Tells whoever listens, who cannot end by throwing what is told of. */
export function tell<Event>(listener: ((event: Event) => void) | undefined, event: Event): void {
  try {
    listener?.(event);
  } catch {
    // What is paid for, or called, is worth more than its log.
  }
}
