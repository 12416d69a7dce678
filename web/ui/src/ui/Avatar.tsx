import { useState, type CSSProperties } from 'react';
import { hueOf, initialOf } from '../format';

interface Props {
  name: string;
  displayName?: string;
  url?: string;
  size?: number;
}

/** The address at which the server draws a first letter for accounts without a picture; ours follows the theme. */
const isDrawn = (url: string, name: string): boolean => url.endsWith(`/avatars/${name}`);

/** The account's picture, or its first letter in the tint of its name. */
export function Avatar({ name, displayName, url, size = 40 }: Props) {
  const [isBroken, setBroken] = useState(false);
  const style = { '--hue': hueOf(name), width: size, height: size, fontSize: size * 0.42 } as CSSProperties;
  return (
    <span className="avatar" style={style} aria-hidden="true">
      {url && !isBroken && !isDrawn(url, name) ? <img src={url} alt="" width={size} height={size} onError={() => setBroken(true)} /> : initialOf(displayName || name)}
    </span>
  );
}
