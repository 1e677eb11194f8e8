/** The keys under which the books have what happens to the money of something, `{id}:{step}`: of one step, and of all. */
export function journalSteps<const Step extends string>(...steps: readonly Step[]) {
  const key = (id: string, step: Step): string => `${id}:${step}`;
  return { key, keys: (id: string): string[] => steps.map((step) => key(id, step)) };
}
