import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useId, type ReactNode } from 'react';
import { messageOf } from '../api/errors';
import { chatSettingsQuery, moderation } from '../api/moderation';
import type { ChatSettings, PatchChatSettings } from '../api/types';
import { useToasts } from '../stores/toasts';
import { spell, withValue, type Choice } from './durations';

const SLOW: readonly Choice[] = [[0, 'Off'], ...[3, 5, 10, 30, 60, 120, 300, 600].map((seconds) => [seconds, spell(seconds)] as const)];
const minutes = (value: number): string => spell(value * 60);
const AGE: readonly Choice[] = [[0, 'Any age'], ...[10, 60, 1440, 10_080, 43_200].map((value) => [value, minutes(value)] as const)];
const OFF = -1;
const FOLLOWERS: readonly Choice[] = [[OFF, 'Off'], [0, 'All followers'], ...[10, 60, 1440, 10_080, 43_200, 129_600].map((value) => [value, `For ${minutes(value)}`] as const)];

type LinkRule = 'all' | 'held' | 'none';
const LINKS: readonly (readonly [LinkRule, string])[] = [['all', 'Everybody'], ['held', 'Held for a look'], ['none', 'Nobody else']];

const linkRule = ({ linksAllowed, holdLinks }: ChatSettings): LinkRule => (linksAllowed ? 'all' : holdLinks ? 'held' : 'none');
const followerRule = ({ followerOnly, followerMinutes }: ChatSettings): number => (followerOnly ? followerMinutes : OFF);
const ofFollowers = (value: number): PatchChatSettings => (value === OFF ? { followerOnly: false } : { followerOnly: true, followerMinutes: value });

/** Change a chat's settings: shown at once, taken back where the server refuses. */
export function useSettingsChange(channelId: string) {
  const client = useQueryClient();
  const show = useToasts((toasts) => toasts.show);
  const { queryKey } = chatSettingsQuery(channelId);
  return useMutation({
    mutationFn: (change: PatchChatSettings) => moderation.patchSettings(channelId, change),
    onMutate: async (change) => {
      await client.cancelQueries({ queryKey });
      const before = client.getQueryData(queryKey);
      client.setQueryData(queryKey, (now: ChatSettings | undefined) => now && { ...now, ...change });
      return before;
    },
    onSuccess: (saved) => client.setQueryData(queryKey, (now: ChatSettings | undefined) => ({ ...now, ...saved })),
    onError: (error, _change, before) => {
      client.setQueryData(queryKey, before);
      show(messageOf(error), 'failed');
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['chat-acts', channelId] }),
  });
}

/** Who may say what, how often. Everything takes effect at once, in every open chat. */
export function ModesPanel({ channelId, settings }: { channelId: string; settings: ChatSettings }) {
  const { mutate } = useSettingsChange(channelId);
  return (
    <section className="panel" aria-labelledby="modes" data-testid="modes-panel">
      <h2 id="modes">Who may say what</h2>
      <p className="muted">Changes take effect at once. Moderators and VIPs are never held back by them.</p>
      <div className="modes">
        <Mode words="Slow mode" note="How long everybody waits between two messages.">
          {(id) => <Select id={id} value={settings.slowMode} choices={withValue(SLOW, settings.slowMode, spell)} onChoose={(slowMode) => mutate({ slowMode })} />}
        </Mode>
        <Mode words="Followers only" note="And for how long they must have followed.">
          {(id) => <Select id={id} value={followerRule(settings)} choices={withValue(FOLLOWERS, followerRule(settings), (value) => `For ${minutes(value)}`)} onChoose={(value) => mutate(ofFollowers(value))} />}
        </Mode>
        <Mode words="Age of accounts" note="Accounts that are younger cannot chat yet.">
          {(id) => <Select id={id} value={settings.accountAgeMinutes} choices={withValue(AGE, settings.accountAgeMinutes, minutes)} onChoose={(accountAgeMinutes) => mutate({ accountAgeMinutes })} />}
        </Mode>
        <Mode words="Links" note="Who may post them, besides moderators and VIPs.">
          {(id) => (
            <select id={id} value={linkRule(settings)} onChange={({ target }) => mutate({ linksAllowed: target.value === 'all', holdLinks: target.value === 'held' })}>
              {LINKS.map(([rule, words]) => <option key={rule} value={rule}>{words}</option>)}
            </select>
          )}
        </Mode>
        <Switch words="Subscribers only" note="Everybody else can read along." isOn={settings.subscriberOnly} onTurn={(subscriberOnly) => mutate({ subscriberOnly })} />
        <Switch words="Emotes only" note="Messages may be made of emotes and nothing else." isOn={settings.emoteOnly} onTurn={(emoteOnly) => mutate({ emoteOnly })} />
        <Switch words="Nothing twice" note="What was said in the last 10 minutes cannot be said again, by anybody." isOn={settings.uniqueChat} onTurn={(uniqueChat) => mutate({ uniqueChat })} />
        <Switch words="Hold first messages" note="The first message of somebody new waits for a moderator." isOn={settings.holdFirst} onTurn={(holdFirst) => mutate({ holdFirst })} />
      </div>
    </section>
  );
}

function Mode({ words, note, children }: { words: string; note: string; children: (id: string) => ReactNode }) {
  const id = useId();
  return (
    <div className="mode">
      <div><label htmlFor={id}>{words}</label><p className="hint">{note}</p></div>
      <span className="picker">{children(id)}</span>
    </div>
  );
}

function Select({ id, value, choices, onChoose }: { id: string; value: number; choices: readonly Choice[]; onChoose: (value: number) => void }) {
  return (
    <select id={id} value={value} onChange={({ target }) => onChoose(Number(target.value))}>
      {choices.map(([choice, words]) => <option key={choice} value={choice}>{words}</option>)}
    </select>
  );
}

function Switch({ words, note, isOn, onTurn }: { words: string; note: string; isOn: boolean; onTurn: (isOn: boolean) => void }) {
  return (
    <Mode words={words} note={note}>
      {(id) => <input id={id} type="checkbox" role="switch" className="switch" checked={isOn} onChange={({ target }) => onTurn(target.checked)} />}
    </Mode>
  );
}
