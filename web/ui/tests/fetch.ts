import { vi } from 'vitest';

export interface Call {
  method: string;
  path: string;
  body: unknown;
}

type Answer = Response | (() => Response);

export const ok = (data: unknown, more: object = {}, status = 200) => Response.json({ success: true, data, ...more }, { status });
export const refused = (status: number, code: string, message: string, more: object = {}) =>
  Response.json({ success: false, error: { code, message, ...more } }, { status });

/** Answer requests by "METHOD path"; what has no answer is a 404 with the envelope. Returns the calls made. */
export function serve(routes: Record<string, Answer>): Call[] {
  const calls: Call[] = [];
  vi.stubGlobal('fetch', async (input: string, init: RequestInit = {}) => {
    const method = init.method ?? 'GET';
    const path = String(input).replace(/^\/api\//, '');
    calls.push({ method, path, body: typeof init.body === 'string' ? bodyOf(init.body) : null });
    const answer = routes[`${method} ${path}`];
    if (!answer) return refused(404, 'NOT_FOUND', 'There is no such thing.');
    return typeof answer === 'function' ? answer() : answer.clone();
  });
  return calls;
}

/** JSON as what it says; a session description as it is. */
const bodyOf = (text: string): unknown => (text.startsWith('{') ? JSON.parse(text) : text);
