/** Events in the order of time, for simulations: a binary heap. */

export interface TimedEvent {
  /** When it happens, in seconds since the simulation began. */
  readonly second: number;
}

export class EventQueue<Event extends TimedEvent> {
  readonly #heap: Event[] = [];

  /** @returns the next event, which stays in the queue; `undefined` when there is none. */
  peek(): Event | undefined {
    return this.#heap[0];
  }

  push(event: Event): void {
    const heap = this.#heap;
    let index = heap.push(event) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || above.second <= event.second) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = event;
  }

  /** Takes the next event out of the queue. */
  pop(): Event | undefined {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop();
    if (last !== undefined && heap.length > 0) this.#sink(last);
    return first;
  }

  /** Puts an event in the place of the first one, and lets it sink to where it belongs. */
  #sink(event: Event): void {
    const heap = this.#heap;
    let index = 0;
    for (;;) {
      const [left, right] = [heap[2 * index + 1], heap[2 * index + 2]];
      if (left === undefined) break;
      const isRight = right !== undefined && right.second < left.second;
      const child = isRight ? right : left;
      if (child.second >= event.second) break;
      heap[index] = child;
      index = 2 * index + (isRight ? 2 : 1);
    }
    heap[index] = event;
  }
}
