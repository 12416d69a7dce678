import { useState } from 'react';
import { Confirm } from '../ui/Dialog';
import { Icon, type IconName } from '../ui/Icon';
import { canShareScreen } from './capture';
import { controls, useStudio } from './studio';
import { TroubleNote } from './TroubleNote';

/** What a streamer presses while on the air, and the button that puts them there. */
export function ControlBar({ isLiveElsewhere }: { isLiveElsewhere: boolean }) {
  const { desk, air } = useStudio();
  const trouble = desk.trouble ?? (air.phase === 'off' ? air.trouble : null);
  const isBusy = desk.opening !== null;
  const isOff = desk.picture === null;
  return (
    <>
      <div className="desk-bar" role="group" aria-label="Controls">
        {isOff ? (
          <button type="button" className="button primary" disabled={isBusy} data-testid="turn-on" onClick={() => void controls.turnOn()}>
            <Icon name="camera" /> {desk.opening === 'both' ? 'Waiting for the browser …' : 'Turn on camera and microphone'}
          </button>
        ) : (
          <>
            {desk.hasMicrophone
              ? <Switch isOn={!desk.isMuted} on="Mute microphone" off="Unmute microphone" icon={['microphone', 'microphoneOff']} onPress={() => controls.mute(!desk.isMuted)} />
              : <Switch isOn={false} on="" off="Turn on microphone" icon={['microphone', 'microphoneOff']} isDisabled={isBusy} onPress={() => void controls.openMicrophone()} />}
            {desk.shows !== 'screen' && (
              <Switch isOn={desk.shows === 'camera'} on="Turn camera off" off="Turn camera on" icon={['camera', 'cameraOff']} isDisabled={isBusy}
                onPress={() => (desk.shows === 'camera' ? controls.hideCamera() : void controls.showCamera())} />
            )}
          </>
        )}
        {canShareScreen() && (
          <button type="button" className="button" disabled={isBusy} data-testid="share-screen" onClick={() => void (desk.shows === 'screen' ? controls.hideScreen() : controls.showScreen())}>
            <Icon name="screen" /> {desk.shows === 'screen' ? 'Stop sharing' : 'Share screen'}
          </button>
        )}
        <span className="desk-gap" />
        {air.phase === 'off' ? (
          <button type="button" className="button broadcast-start" disabled={isOff || isBusy} data-testid="start" onClick={() => controls.goLive()}>Go live</button>
        ) : (
          <StopButton isConnecting={air.phase === 'connecting'} />
        )}
      </div>
      {isLiveElsewhere && !trouble && <p className="hint">Your channel is on air from another encoder. Going live here asks before it takes over.</p>}
      {trouble && (
        <TroubleNote trouble={trouble}>
          {trouble.id === 'conflict' && <button type="button" className="button danger" data-testid="take-over" onClick={() => controls.goLive(true)}>Take over</button>}
          <button type="button" className="button" onClick={controls.forgive}>Dismiss</button>
        </TroubleNote>
      )}
    </>
  );
}

interface SwitchProps {
  isOn: boolean;
  /** What pressing does while it is on, and while it is off. */
  on: string;
  off: string;
  icon: [IconName, IconName];
  isDisabled?: boolean;
  onPress: () => void;
}

function Switch({ isOn, on, off, icon, isDisabled = false, onPress }: SwitchProps) {
  const words = isOn ? on : off;
  return (
    <button type="button" className="desk-switch" data-on={isOn} disabled={isDisabled} aria-label={words} title={words} onClick={onPress}>
      <Icon name={icon[isOn ? 0 : 1]} size={22} />
    </button>
  );
}

function StopButton({ isConnecting }: { isConnecting: boolean }) {
  const [isAsking, setAsking] = useState(false);
  const stop = () => {
    controls.stop();
    setAsking(false);
  };
  return (
    <>
      <button type="button" className="button danger" data-testid="stop" onClick={() => (isConnecting ? stop() : setAsking(true))}>{isConnecting ? 'Cancel' : 'End stream'}</button>
      {isAsking && <Confirm title="End the stream?" text="Viewers see the end. Your camera stays on here until you leave this page." action="End stream" isDangerous onConfirm={stop} onClose={() => setAsking(false)} />}
    </>
  );
}
