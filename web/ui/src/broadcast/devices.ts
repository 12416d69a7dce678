/** Cameras and microphones of this machine. Their names are told once one of them is allowed. */

import { useEffect, useState } from 'react';

export interface DeviceChoice {
  id: string;
  label: string;
}

export interface Devices {
  cameras: DeviceChoice[];
  microphones: DeviceChoice[];
}

const NONE: Devices = { cameras: [], microphones: [] };

async function listed(): Promise<Devices> {
  const all = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  const of = (kind: MediaDeviceKind, word: string) =>
    all.filter((device) => device.kind === kind && device.deviceId !== '').map(({ deviceId, label }, index) => ({ id: deviceId, label: label || `${word} ${index + 1}` }));
  return { cameras: of('videoinput', 'Camera'), microphones: of('audioinput', 'Microphone') };
}

/** What there is to choose from; looked up again when something is plugged in, and whenever `again` changes. */
export function useDevices(again: unknown): Devices {
  const [devices, setDevices] = useState(NONE);
  useEffect(() => {
    let isHere = true;
    const look = () => void listed().then((found) => isHere && setDevices(found), () => undefined); // an unreadable list is an empty one
    look();
    navigator.mediaDevices?.addEventListener?.('devicechange', look);
    return () => {
      isHere = false;
      navigator.mediaDevices?.removeEventListener?.('devicechange', look);
    };
  }, [again]);
  return devices;
}
