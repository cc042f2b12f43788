import { TestBed } from '@angular/core/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { ItemStore } from './item-store';

describe('ItemStore', () => {
  let store: ItemStore;

  beforeEach(() => {
    store = TestBed.inject(ItemStore);
  });

  it('is empty at first', () => {
    expect(store.items()).toEqual([]);
    expect(store.count()).toBe(0);
  });

  it('keeps items in the order they came in', () => {
    store.add('apple');
    store.add('pear');

    expect(store.items().map((item) => item.name)).toEqual(['apple', 'pear']);
    expect(store.count()).toBe(2);
  });

  it('leaves out white space around a name', () => {
    expect(store.add('  apple ')?.name).toBe('apple');
  });

  it.each(['', '   ', '\t\n'])('refuses "%s" as a name', (name) => {
    expect(store.add(name)).toBeUndefined();
    expect(store.count()).toBe(0);
  });

  it('forgets one item and keeps the others', () => {
    const apple = store.add('apple');
    store.add('apple');

    store.remove(apple?.id ?? 0);

    expect(store.items()).toEqual([{ id: 2, name: 'apple' }]);
  });

  it('does not use an id again', () => {
    store.add('apple');
    store.remove(1);

    expect(store.add('pear')?.id).toBe(2);
  });

  it('does nothing for an id it does not know', () => {
    store.add('apple');

    store.remove(7);

    expect(store.count()).toBe(1);
  });
});
