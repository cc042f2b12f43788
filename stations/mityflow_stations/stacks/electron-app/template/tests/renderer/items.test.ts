import { describe, expect, it } from 'vitest';
import { ItemStore } from '../../src/renderer/items';

describe('ItemStore', () => {
  it('is empty at first', () => {
    expect(new ItemStore().items).toEqual([]);
  });

  it('keeps items in the order they came in, without white space around their names', () => {
    const store = new ItemStore();
    store.add(' apple ');
    store.add('pear');

    expect(store.items.map((item) => item.name)).toEqual(['apple', 'pear']);
  });

  it.each(['', '   ', '\t\n'])('refuses "%s" as a name', (name) => {
    const store = new ItemStore();

    expect(store.add(name)).toBeUndefined();
    expect(store.items).toEqual([]);
  });

  it('forgets one item and does not use its id again', () => {
    const store = new ItemStore();
    store.add('apple');
    store.remove(1);
    store.remove(7);

    expect(store.add('pear')).toEqual({ id: 2, name: 'pear' });
    expect(store.items).toEqual([{ id: 2, name: 'pear' }]);
  });
});
