import { ChangeDetectionStrategy, Component, inject, signal } from '@angular/core';
import { FormControl, FormGroup, ReactiveFormsModule } from '@angular/forms';
import { ItemStore } from './item-store';

/** An example page: a list one can add to and remove from. Make it yours. */
@Component({
  selector: 'app-items-page',
  imports: [ReactiveFormsModule],
  templateUrl: './items-page.html',
  styleUrl: './items-page.css',
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class ItemsPage {
  protected readonly store = inject(ItemStore);
  protected readonly form = new FormGroup({ name: new FormControl('', { nonNullable: true }) });
  protected readonly error = signal('');

  /** Add an item of the name in the form; without one, say so. */
  protected add(): void {
    if (this.store.add(this.form.controls.name.value)) {
      this.error.set('');
      this.form.reset();
    } else {
      this.error.set('Give it a name.');
    }
  }
}
