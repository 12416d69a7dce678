import { useEffect, useRef } from 'react';
import { Icon } from '../ui/Icon';
import type { DeskState } from './desk';

const WORDS: Record<DeskState['shows'], string> = { camera: 'Your camera', screen: 'Your screen', slate: 'The picture that says that the camera is off' };

/** What viewers see, without sound. Not mirrored: text has to be readable. */
export function Preview({ picture, shows }: Pick<DeskState, 'picture' | 'shows'>) {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (!video.current) return;
    video.current.srcObject = picture ? new MediaStream([picture]) : null;
    if (picture) void video.current.play().catch(() => undefined); // muted videos may play; a hidden page waits until it is seen
  }, [picture]);
  return (
    <div className="camera-preview" data-empty={picture === null}>
      <video ref={video} muted playsInline aria-label={picture ? `Preview: ${WORDS[shows]}` : undefined} aria-hidden={picture === null} data-testid="preview" data-shows={shows} />
      {!picture && (
        <div className="camera-empty">
          <Icon name="camera" size={36} />
          <p>Turn on your camera or share your screen.<br />Nobody sees it before you go live.</p>
        </div>
      )}
    </div>
  );
}
