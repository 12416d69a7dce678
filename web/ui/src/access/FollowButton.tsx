import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useLocation } from '@tanstack/react-router';
import { api } from '../api/client';
import { messageOf } from '../api/errors';
import { followsQuery, useMe } from '../api/queries';
import { useToasts } from '../stores/toasts';
import { Icon } from '../ui/Icon';

interface Props {
  channelId: string;
  ownerId?: string;
  isPrimary?: boolean;
}

/** Follow a channel or stop it. Whoever is not signed in is asked to; owners have nothing to follow. */
export function FollowButton({ channelId, ownerId, isPrimary = false }: Props) {
  const { data: me } = useMe();
  const path = useLocation({ select: ({ href }) => href });
  const look = isPrimary ? 'button primary' : 'button';
  if (me && me.user.id === ownerId) return null;
  if (!me) return <Link to="/login" search={{ next: path }} className={look} data-testid="follow"><Icon name="heart" size={18} /> Follow</Link>;
  return <Toggle channelId={channelId} look={look} />;
}

function Toggle({ channelId, look }: { channelId: string; look: string }) {
  const client = useQueryClient();
  const show = useToasts((toasts) => toasts.show);
  const follows = useQuery(followsQuery);
  const isFollowing = follows.data?.includes(channelId) ?? false;
  const change = useMutation({
    mutationFn: (isWanted: boolean): Promise<unknown> => (isWanted ? api.follow(channelId) : api.unfollow(channelId)),
    onMutate: (isWanted) =>
      client.setQueryData(followsQuery.queryKey, (ids) => (isWanted ? [...(ids ?? []), channelId] : ids?.filter((id) => id !== channelId))),
    onError: (error) => {
      void client.invalidateQueries({ queryKey: followsQuery.queryKey });
      show(messageOf(error), 'failed');
    },
    // Who follows may watch what is for followers.
    onSuccess: () => client.invalidateQueries({ predicate: ({ queryKey }) => ['playback', 'vod', 'clip', 'vods', 'clips'].includes(String(queryKey[0])) }),
  });
  return (
    <button type="button" className={isFollowing ? 'button' : look} aria-pressed={isFollowing} disabled={follows.isPending || change.isPending}
      data-testid="follow" onClick={() => change.mutate(!isFollowing)}>
      <Icon name={isFollowing ? 'heartFull' : 'heart'} size={18} /> {isFollowing ? 'Following' : 'Follow'}
    </button>
  );
}
