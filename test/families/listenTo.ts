/** Listens to server-sent events. The stream is read as it comes; `meanwhile` is done again and again until it has come. */
export async function listenTo(url: string, headers: Record<string, string>) {
  const response = await fetch(url, { headers });
  expect(response.status).toBe(200);
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  let [text, over] = ['', false];
  const reading = (async () => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return void (over = true);
      text += Buffer.from(value).toString();
    }
  })();
  // Whoever waits for the end is told; a stream that was left open by a test that failed ends nothing else.
  reading.catch(() => undefined);
  const eventually = async (meanwhile: () => void, come: () => boolean) => {
    for (const end = performance.now() + 100_000; !come() && performance.now() < end;) {
      meanwhile();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect([come(), text]).toEqual([true, text]);
  };
  return {
    come: eventually,
    until: (meanwhile: () => void, pattern: RegExp) => eventually(meanwhile, () => pattern.test(text)),
    said: () => text,
    /** Of what has come, in order. */
    types: () => [...text.matchAll(/^event: (.*)$/gm)].map(([, type]) => type),
    /** Goes away. */
    leave: () => reader.cancel(),
    /** Reads on until the other side ends it. */
    async ended(meanwhile: () => void) {
      await eventually(meanwhile, () => over);
      await reading;
    },
  };
}
