import { design } from '@agentpay/http';

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

/** A page of the product around `body`, which is HTML already. It runs no script, and has the look of the others. */
export function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(title)} · AgentPay</title>
<link rel="stylesheet" href="${design.css.path}">
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`;
}
