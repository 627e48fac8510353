// Counting tokens as the model will: by its own tokenizer.json.
import { PlumbError } from '../../base/errors.ts';

export type CountTokens = (text: string) => number;

/** A tokenizer's time grows faster than the text: pieces of that many code units are counted one by one, some tokens more than the whole has. */
const piece = 100_000;

/**
 * @param text of a tokenizer.json
 * @throws PlumbError CONFIG_INVALID: it is none, or one of a kind that is not known
 */
export async function openTokenizer(text: string, file: string): Promise<CountTokens> {
  const { Tokenizer } = await import('@huggingface/tokenizers');
  try {
    const tokenizer = new Tokenizer(JSON.parse(text), {});
    const count = (part: string): number => tokenizer.encode(part, { add_special_tokens: false }).ids.length;
    count('a');
    return (whole) => {
      let tokens = 0;
      for (let at = 0; at < whole.length; at += piece) tokens += count(whole.slice(at, at + piece));
      return tokens;
    };
  } catch (error) {
    throw new PlumbError('CONFIG_INVALID', {
      what: `${file} is no tokenizer that can be used: ${(error as Error).message.slice(0, 200)}`,
      where: { file },
      mend: 'take the tokenizer.json that comes with the model',
      cause: error,
    });
  }
}
