/**
 * Returns the tags in a header `x-amz-tagging`, which has the form of a query ("PutObject", x-amz-tagging). Policies and the operation read it
 * here, so that both see the same tags.
 */
export function parseTagHeader(text: string): [name: string, value: string][] {
  return [...new URLSearchParams(text)]
}
