import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Emote } from '../../src/api/types';
import { expectAccessible } from '../axe';
import { emote } from '../emotes/emote';
import { ok, refused, serve } from '../fetch';
import { me, open } from './app';

const end = { page: { cursor: null } };
const picture = (name = 'Party Cat.png', type = 'image/png', size = 5000) => new File([new Uint8Array(size)], name, { type });

/** jsdom loads no pictures: the test says how large this one is. */
function measured(width: number, height: number): void {
  const images = screen.getByTestId('emote-preview').querySelectorAll('img');
  Object.defineProperties(images[0]!, { naturalWidth: { value: width }, naturalHeight: { value: height } });
  fireEvent.load(images[0]!);
}
const choose = async (file: File) => fireEvent.change(await screen.findByTestId('emote-file'), { target: { files: [file] } });

beforeEach(() => {
  URL.createObjectURL = vi.fn(() => 'blob:picture');
  URL.revokeObjectURL = vi.fn();
});

describe('emotes of a channel', () => {
  it('stand by whom they are for, and are deleted after a question', async () => {
    let kept: Emote[] = [emote(), emote({ id: 'e2', name: 'demoDance', tier: 2, isAnimated: true })];
    serve({ 'GET me': ok(me()), 'GET channels/c1/emotes': () => ok(kept, end), 'DELETE channels/c1/emotes/e1': () => ((kept = kept.slice(1)), ok({})) });
    open('/dashboard/emotes');
    expect(await screen.findAllByTestId('emote')).toHaveLength(2);
    expect(screen.getAllByRole('heading', { level: 3 }).map(({ textContent }) => textContent)).toEqual(['Everybody 1 of 20', 'Subscribers from tier 2 1 of 5']);
    expect(screen.getByText('moves')).toBeTruthy();
    await expectAccessible();
    fireEvent.click(screen.getByRole('button', { name: 'Delete demoHi' }));
    fireEvent.click(within(screen.getByRole('dialog', { name: 'Delete demoHi?' })).getByRole('button', { name: 'Delete' }));
    await waitFor(() => expect(screen.getAllByTestId('emote')).toHaveLength(1));
  });

  it('are made of a picture that is seen in its sizes on both themes', async () => {
    let sent: FormData | null = null;
    serve({ 'GET me': ok(me()), 'GET channels/c1/emotes': ok([], end), 'POST channels/c1/emotes': ok(emote({ name: 'PartyCat' }), {}, 201) });
    const answer = globalThis.fetch;
    vi.stubGlobal('fetch', (input: string, init: RequestInit = {}) => {
      if (init.body instanceof FormData) sent = init.body;
      return answer(input, init);
    });
    open('/dashboard/emotes');
    await choose(picture());
    const sizes = (theme: string) => within(screen.getByRole('group', { name: `On the ${theme} theme` })).getAllByRole<HTMLImageElement>('img').map(({ height }) => height);
    expect([sizes('dark'), sizes('light')]).toEqual([[28, 56, 112], [28, 56, 112]]);
    expect(screen.getByLabelText<HTMLInputElement>('Name').value).toBe('PartyCat');
    const add = screen.getByRole<HTMLButtonElement>('button', { name: 'Add emote' });
    expect(add.disabled).toBe(true); // it may be no picture at all
    measured(200, 180);
    fireEvent.change(screen.getByLabelText('Who may use it'), { target: { value: '1' } });
    expect(screen.getByTestId('slots').textContent).toBe('5 of 5 places left');
    await expectAccessible();
    fireEvent.click(add);
    expect(await screen.findByText('PartyCat can be used now')).toBeTruthy();
    expect([sent!.get('name'), sent!.get('tier'), (sent!.get('image') as File).name]).toEqual(['PartyCat', '1', 'Party Cat.png']);
    expect(screen.queryByTestId('emote-preview')).toBeNull();
  });

  it('can be dropped', async () => {
    serve({ 'GET me': ok(me()), 'GET channels/c1/emotes': ok([], end) });
    open('/dashboard/emotes');
    const drop = (await screen.findByText('Drop a picture here, or choose one')).closest('label')!;
    fireEvent.dragOver(drop);
    expect(drop.dataset.over).toBe('true');
    fireEvent.drop(drop, { dataTransfer: { files: [picture('wave.gif', 'image/gif')] } });
    expect(await screen.findByTestId('emote-preview')).toBeTruthy();
    expect(screen.getByLabelText<HTMLInputElement>('Name').value).toBe('wave');
  });

  it('are not made of what cannot be one', async () => {
    const calls = serve({ 'GET me': ok(me()), 'GET channels/c1/emotes': ok([emote({ name: 'taken' })], end) });
    open('/dashboard/emotes');
    const add = await screen.findByRole<HTMLButtonElement>('button', { name: 'Add emote' });
    await choose(picture('vector.svg', 'image/svg+xml'));
    expect((await screen.findByRole('alert')).textContent).toBe('Use a PNG, WebP, GIF or AVIF picture.');
    await choose(picture('taken.png'));
    expect(await screen.findByText('The channel has an emote of this name.')).toBeTruthy();
    measured(5000, 100);
    expect(await screen.findByText('Up to 4096 pixels a side; this one has 5000 × 100.')).toBeTruthy();
    await choose(picture('fine.png'));
    fireEvent.error((await screen.findByTestId('emote-preview')).querySelector('img')!);
    expect(await screen.findByText('This file cannot be shown as a picture.')).toBeTruthy();
    expect(add.disabled).toBe(true);
    fireEvent.submit(add.closest('form')!);
    expect(calls.some(({ method }) => method === 'POST')).toBe(false);
  });

  it('say beside the field what the server does not like, and when there is no place left', async () => {
    serve({
      'GET me': ok(me()), 'GET channels/c1/emotes': ok(Array.from({ length: 5 }, (_, n) => emote({ id: `e${n}`, name: `e${n}`, tier: 1 })), end),
      'POST channels/c1/emotes': refused(400, 'INVALID_REQUEST', 'No.', { fields: { image: 'This picture has too many frames.' } }),
    });
    open('/dashboard/emotes');
    await choose(picture());
    measured(112, 112);
    const add = screen.getByRole<HTMLButtonElement>('button', { name: 'Add emote' });
    fireEvent.click(add);
    expect((await screen.findByText('This picture has too many frames.')).getAttribute('role')).toBe('alert');
    fireEvent.change(screen.getByLabelText('Who may use it'), { target: { value: '1' } });
    expect(screen.getByTestId('slots').textContent).toBe('All 5 places are taken. Delete one first.');
    expect(add.disabled).toBe(true);
  });
});
