/** Items by rising cost: a binary heap. */
export class Frontier<Item extends { readonly cost: number }> {
  readonly #items: Item[] = [];

  /** Adds an item. */
  push(item: Item): void {
    const items = this.#items;
    let index = items.push(item) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = items[parent];
      if (above === undefined || above.cost <= item.cost) break;
      items[index] = above;
      index = parent;
    }
    items[index] = item;
  }

  /** Takes the cheapest item out; undefined when there is none. */
  pop(): Item | undefined {
    const items = this.#items;
    const first = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return first;
    let index = 0;
    for (;;) {
      const left = items[2 * index + 1];
      const right = items[2 * index + 2];
      const isRight = left !== undefined && right !== undefined && right.cost < left.cost;
      const child = isRight ? right : left;
      if (child === undefined || child.cost >= last.cost) break;
      items[index] = child;
      index = 2 * index + (isRight ? 2 : 1);
    }
    items[index] = last;
    return first;
  }
}
