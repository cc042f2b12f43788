import { computed, Injectable, signal } from '@angular/core';

/** Something with a name. */
export interface Item {
  readonly id: number;
  readonly name: string;
}

/** Items, kept in memory. Put a service behind it to keep them. Ids are never used again. */
@Injectable({ providedIn: 'root' })
export class ItemStore {
  private readonly list = signal<readonly Item[]>([]);
  private lastId = 0;

  /** Every item, the oldest first. */
  readonly items = this.list.asReadonly();

  /** How many items there are. */
  readonly count = computed(() => this.list().length);

  /** Add an item; nothing but white space is no name, and gives nothing. */
  add(name: string): Item | undefined {
    const trimmed = name.trim();
    if (trimmed === '') {
      return undefined;
    }
    this.lastId += 1;
    const item = { id: this.lastId, name: trimmed };
    this.list.update((items) => [...items, item]);
    return item;
  }

  /** Forget an item, if it is there. */
  remove(id: number): void {
    this.list.update((items) => items.filter((item) => item.id !== id));
  }
}
