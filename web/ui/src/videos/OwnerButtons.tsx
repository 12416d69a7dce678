import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { messageOf } from '../api/errors';
import type { PatchVod, Visibility } from '../api/types';
import { useToasts } from '../stores/toasts';
import { Confirm } from '../ui/Dialog';
import { Icon } from '../ui/Icon';
import { EditDialog } from './EditDialog';

interface Props {
  video: { title: string; visibility: Visibility };
  subject: string;
  question: string;
  warning: string;
  onSave: (change: PatchVod) => Promise<unknown>;
  onDelete: () => Promise<unknown>;
}

/** What only the owner of a recording or a clip can do with it. */
export function OwnerButtons({ video, subject, question, warning, onSave, onDelete }: Props) {
  const [open, setOpen] = useState<'edit' | 'delete' | null>(null);
  const show = useToasts((toasts) => toasts.show);
  const remove = useMutation({
    mutationFn: onDelete,
    onSuccess: () => show('Deleted'),
    onError: (error) => show(messageOf(error), 'failed'),
    onSettled: () => setOpen(null),
  });
  return (
    <>
      <button type="button" className="icon-button" aria-label={`Edit ${subject}`} title={`Edit ${subject}`} data-testid="edit" onClick={() => setOpen('edit')}><Icon name="edit" /></button>
      <button type="button" className="icon-button" aria-label={`Delete ${subject}`} title={`Delete ${subject}`} data-testid="delete" onClick={() => setOpen('delete')}><Icon name="trash" /></button>
      {open === 'edit' && <EditDialog video={video} subject={subject} onSave={onSave} onClose={() => setOpen(null)} />}
      {open === 'delete' && (
        <Confirm title={question} text={warning} action="Delete" isDangerous isBusy={remove.isPending} onConfirm={() => remove.mutate()} onClose={() => setOpen(null)} />
      )}
    </>
  );
}
