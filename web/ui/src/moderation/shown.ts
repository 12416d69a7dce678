/** The parts of the chat's page; `show` in its address. */

export const SHOWN = { queue: 'Waiting', rules: 'Rules', people: 'People', log: 'Log', shared: 'Shared bans' } as const;

export type Shown = keyof typeof SHOWN;

export const isShown = (value: unknown): value is Shown => typeof value === 'string' && value in SHOWN;
