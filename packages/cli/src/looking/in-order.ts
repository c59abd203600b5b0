/** Works on several items at once, and gives the answers in the order of the items. */
export async function* inOrder<Item, Answer>(
  items: AsyncIterable<Item> | Iterable<Item>,
  atOnce: number,
  work: (item: Item) => Promise<Answer>,
): AsyncGenerator<Answer, void, void> {
  const underWay: Promise<Answer>[] = []
  for await (const item of items) {
    const answer = work(item)
    // A failure is told when its turn has come.
    answer.catch(() => {})
    underWay.push(answer)
    if (underWay.length >= atOnce) yield await (underWay.shift() as Promise<Answer>)
  }
  for (const answer of underWay) yield await answer
}
