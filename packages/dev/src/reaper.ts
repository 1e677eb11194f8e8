/**
 * Ends the parts of the local stack when their supervisor is gone without having stopped them (kill -9). A process of its own, which
 * reads from its standard input, one a line, "+PID" of a process that began and "-PID" of one that ended; the input ends when the
 * supervisor does.
 */
const pids = new Set<number>();
let rest = '';

process.stdin.setEncoding('utf8');
process.stdin.on('data', (chunk: string) => {
  const lines = (rest + chunk).split('\n');
  rest = lines.pop() ?? '';
  for (const line of lines) {
    const pid = Number(line.slice(1));
    if (line.startsWith('+')) pids.add(pid);
    else pids.delete(pid);
  }
});
process.stdin.on('end', () => {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it ended by itself
    }
  }
  process.exit(0);
});
// Ctrl-C reaches every process of the terminal; the supervisor decides when the stack ends.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
