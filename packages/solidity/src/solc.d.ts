declare module 'solc' {
  /** The compiler's standard JSON interface. */
  const solc: { compile(input: string): string };
  export default solc;
}
