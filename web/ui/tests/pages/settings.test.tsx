import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import type { Bot, Token } from '../../src/api/types';
import { expectAccessible } from '../axe';
import { ok, refused, serve } from '../fetch';
import { me, open } from './app';

const end = { page: { cursor: null } };
const token = (change: Partial<Token> = {}): Token => ({
  id: 't1', name: 'Laptop', scopes: ['chat:read', 'chat:write'], userId: 'u1', username: 'ann', createdAt: '2026-11-01T00:00:00Z', lastUsedAt: null, expiresAt: null, token: null, ...change,
});
const bot = (change: Partial<Bot> = {}): Bot => ({ userId: 'b1', username: 'annbot', displayName: 'Ann’s bot', createdAt: '2026-11-01T00:00:00Z', ...change });
const routes = { 'GET me': ok(me({ chatColor: '#4F8CFF' })), 'GET tokens': ok([], end), 'GET bots': ok([], end) };

describe('my account', () => {
  it('is reached from the menu in the header', async () => {
    serve({ ...routes, 'GET channels?live=true': ok([], end), 'GET channels?live=false': ok([], end) });
    open('/');
    fireEvent.click(await screen.findByTestId('account'));
    fireEvent.click(screen.getByRole('menuitem', { name: 'Settings' }));
    expect(await screen.findByTestId('settings')).toBeTruthy();
  });

  it('asks who is there', async () => {
    serve({ 'GET me': refused(401, 'UNAUTHORIZED', 'Sign in first.') });
    const { router } = open('/settings');
    await waitFor(() => expect(router.state.location.href).toBe('/login?next=%2Fsettings'));
  });

  it('has a colour, seen on both themes before it is saved, and a name', async () => {
    const calls = serve({ ...routes, 'PATCH me': ok(me({ chatColor: '#003300', user: { ...me().user, displayName: 'Anna' } })) });
    open('/settings');
    const panel = within(await screen.findByTestId('profile-panel'));
    const shown = (theme: string) => panel.getByRole('group', { name: `On the ${theme} theme` }).querySelector('b')!.style.color;
    const before = shown('dark');
    fireEvent.change(panel.getByLabelText('As #RRGGBB'), { target: { value: '030' } });
    expect(shown('dark')).not.toBe(before);
    expect(shown('light')).toBe('rgb(0, 51, 0)');
    expect(shown('dark')).not.toBe('rgb(0, 51, 0)'); // too dark to be read there
    fireEvent.change(panel.getByLabelText('Display name'), { target: { value: ' Anna ' } });
    await expectAccessible();
    fireEvent.click(panel.getByRole('button', { name: 'Save' }));
    expect(await screen.findByText('Saved')).toBeTruthy();
    expect(calls.find(({ method }) => method === 'PATCH')!.body).toEqual({ displayName: 'Anna', chatColor: '#003300' });
  });

  it('takes no colour that is none, and gives the old one up', async () => {
    const calls = serve({ ...routes, 'PATCH me': ok(me({ chatColor: '' })) });
    open('/settings');
    const panel = within(await screen.findByTestId('profile-panel'));
    const color = panel.getByLabelText('As #RRGGBB');
    fireEvent.change(color, { target: { value: 'reddish' } });
    expect(panel.getByText('Six digits: 0 to 9, A to F.').getAttribute('role')).toBe('alert');
    expect(panel.getByRole<HTMLButtonElement>('button', { name: 'Save' }).disabled).toBe(true);
    fireEvent.click(panel.getByRole('button', { name: '#FF5C5C' }));
    expect((color as HTMLInputElement).value).toBe('#FF5C5C');
    fireEvent.change(color, { target: { value: '' } });
    fireEvent.click(panel.getByRole('button', { name: 'Save' }));
    expect(await screen.findByText('Saved')).toBeTruthy();
    expect(calls.find(({ method }) => method === 'PATCH')!.body).toEqual({ chatColor: '' });
  });
});

describe('tokens', () => {
  it('are made for a purpose and shown once', async () => {
    let kept: Token[] = [];
    const calls = serve({ ...routes, 'GET bots': ok([bot()], end), 'GET tokens': () => ok(kept, end), 'POST tokens': () => ((kept = [token()]), ok({ ...kept[0], token: 'tly_secret' }, {}, 201)) });
    open('/settings');
    fireEvent.click(await screen.findByRole('button', { name: 'New token' }));
    const dialog = within(screen.getByRole('dialog', { name: 'New token' }));
    fireEvent.change(dialog.getByLabelText('What it is for'), { target: { value: 'Laptop' } });
    fireEvent.change(await dialog.findByLabelText('It acts as'), { target: { value: 'b1' } });
    fireEvent.click(dialog.getByRole('checkbox', { name: /^Moderate/ }));
    fireEvent.click(dialog.getByRole('checkbox', { name: /^Write/ }));
    fireEvent.change(dialog.getByLabelText('It ends after'), { target: { value: '0' } });
    await expectAccessible();
    fireEvent.click(dialog.getByRole('button', { name: 'Make token' }));
    const made = within(await screen.findByRole('dialog', { name: 'Laptop' }));
    expect(made.getByLabelText<HTMLInputElement>('Token').value).toMatch(/^•+$/);
    fireEvent.click(made.getByRole('button', { name: 'Show token' }));
    expect(made.getByDisplayValue('tly_secret')).toBeTruthy();
    fireEvent.click(made.getByRole('button', { name: 'Done' }));
    expect((await screen.findByTestId('token')).textContent).toContain('read chats, write in chats · never used');
    expect(document.body.innerHTML).not.toContain('tly_secret');
    expect(calls.find(({ method }) => method === 'POST')!.body).toEqual({ name: 'Laptop', scopes: ['chat:read', 'chat:moderate'], botId: 'b1' });
  });

  it('must be allowed something, and end', async () => {
    let kept = [token({ username: 'annbot', expiresAt: new Date(Date.now() + 5 * 86_400_000 + 60_000).toISOString() })];
    serve({ ...routes, 'GET tokens': () => ok(kept, end), 'DELETE tokens/t1': () => ((kept = []), ok({})) });
    open('/settings');
    expect((await screen.findByTestId('token')).textContent).toBe('Laptopfor annbot · read chats, write in chats · never used · ends in 5 days');
    fireEvent.click(screen.getByRole('button', { name: 'New token' }));
    const dialog = within(screen.getByRole('dialog'));
    for (const name of [/^Read/, /^Write/]) fireEvent.click(dialog.getByRole('checkbox', { name }));
    expect(dialog.getByRole<HTMLButtonElement>('button', { name: 'Make token' }).disabled).toBe(true);
    fireEvent.click(dialog.getByRole('button', { name: 'Cancel' }));
    fireEvent.click(screen.getByRole('button', { name: 'End Laptop' }));
    fireEvent.click(within(screen.getByRole('dialog')).getByRole('button', { name: 'End the token' }));
    await waitFor(() => expect(screen.queryByTestId('token')).toBeNull());
  });
});

it('bots are made and deleted', async () => {
  let kept: Bot[] = [];
  const calls = serve({
    ...routes, 'GET bots': () => ok(kept, end), 'POST bots': () => ((kept = [bot()]), ok(kept[0], {}, 201)), 'DELETE bots/b1': () => ((kept = []), ok({})),
  });
  open('/settings');
  const panel = within(await screen.findByTestId('bots-panel'));
  fireEvent.change(await panel.findByLabelText('Username'), { target: { value: 'AnnBot' } });
  fireEvent.click(panel.getByRole('button', { name: 'Make bot' }));
  expect(await panel.findByTestId('bot')).toBeTruthy();
  await expectAccessible();
  fireEvent.click(panel.getByRole('button', { name: 'Delete Ann’s bot' }));
  fireEvent.click(within(screen.getByRole('dialog')).getByRole('button', { name: 'Delete' }));
  await waitFor(() => expect(panel.queryByTestId('bot')).toBeNull());
  expect(calls.filter(({ method }) => method !== 'GET').map(({ method, body }) => [method, body])).toEqual([['POST', { username: 'annbot' }], ['DELETE', null]]);
});
