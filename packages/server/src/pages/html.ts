const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as it stands in HTML, in quoted attributes, too. */
export function text(value: string): string {
  return value.replace(/[&<>"']/g, (character) => entities[character] as string);
}

/** A page of the product around `body`, which is HTML already. It runs no script and asks for no file. */
export function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(title)} · AgentPay</title>
<style>
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; color: #1c1b22; }
h1, h2 { line-height: 1.2; } a { color: #4b3fd1; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #e4e3ea; }
pre, code { background: #f5f4f8; border-radius: 4px; } pre { padding: 1rem; overflow-x: auto; }
</style>
</head>
<body>
${body}
</body>
</html>
`;
}
