import { describe, expect, it } from 'vitest';
import { LineList, lineOf, MAX_LINES } from '../../src/chat/lines';
import { line } from '../socket/events';

const listOf = (...seqs: number[]) => {
  const list = new LineList();
  for (const seq of seqs) list.add(lineOf(line(seq)));
  return list;
};
const seqs = (list: LineList) => list.view().map(({ seq }) => seq);
const deleted = (list: LineList) => list.view().flatMap((one) => (one.kind === 'message' && one.isDeleted ? [one.seq] : []));

describe('the lines of a chat', () => {
  it('are the newest 500', () => {
    const list = listOf(...Array.from({ length: MAX_LINES + 20 }, (_, index) => index));
    expect(list.view()).toHaveLength(MAX_LINES);
    expect(list.oldestSeq).toBe(20);
  });

  it('are each there once', () => {
    expect(seqs(listOf(1, 2, 2, 1, 3))).toEqual([1, 2, 3]);
  });

  it('take history before them, without what is here already', () => {
    const list = listOf(5, 6);
    expect(list.prepend([line(3), line(4), line(5)])).toBe(2);
    expect(seqs(list)).toEqual([3, 4, 5, 6]);
  });

  it('know which of the history were announcements', () => {
    const list = new LineList();
    list.prepend([{ ...line(3), announcement: 'purple' }, line(4)]);
    expect(list.view().map((one) => one.kind === 'message' && one.announcement)).toEqual(['purple', null]);
  });

  it('take no more history than there is room for', () => {
    const list = listOf(...Array.from({ length: MAX_LINES - 1 }, (_, index) => index + 100));
    expect(list.prepend([line(3), line(4)])).toBe(1);
    expect(list.oldestSeq).toBe(4);
  });

  it('are marked when a message is taken away, or all of somebody', () => {
    const list = listOf(1, 2);
    list.add(lineOf(line(3, { userId: 'other' })));
    list.takeMessage('m2', 4);
    expect(deleted(list)).toEqual([2]);
    list.takeUser('u9', 5);
    expect(deleted(list)).toEqual([1, 2]);
    list.add(lineOf(line(6)));
    expect(deleted(list)).toEqual([1, 2]);
  });

  it('stay away when history that comes later still has them', () => {
    const list = listOf(10);
    list.takeMessage('m4', 11);
    list.takeUser('bad', 12);
    list.prepend([line(4), line(5, { userId: 'bad' }), line(6)]);
    expect(deleted(list)).toEqual([4, 5]);
  });

  it('stand still while somebody reads back, and are counted', () => {
    const list = listOf(1);
    list.pause();
    for (let seq = 2; seq <= 700; seq++) list.add(lineOf(line(seq)));
    expect(seqs(list)).toEqual([1]);
    expect(list.unseen).toBe(699);
    list.takeMessage('m600', 701);
    list.resume();
    expect(list.view()).toHaveLength(MAX_LINES);
    expect(list.view().at(-1)?.seq).toBe(700);
    expect(deleted(list)).toEqual([600]);
    expect(list.unseen).toBe(0);
  });

  it('are the same array until something changes', () => {
    const list = listOf(1);
    expect(list.view()).toBe(list.view());
    const before = list.view();
    list.add(lineOf(line(2)));
    expect(list.view()).not.toBe(before);
  });
});
