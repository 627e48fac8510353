// Which names a piece of code binds itself, read off the shape of its tree: grammars name the parts of a declaration much alike (`name`, `pattern`,
// `declarator`, `left`), so that one table does for ten languages. A name that is not bound here (print, an import, a property) keeps its own.

/** What a place in the tree does to the names below it. */
export type Binding = 'inner' | 'outer' | null;

const namedParents =
  /(definition|declaration|declarator|_item|_spec|type_spec|parameter|specifier|named_expression|enhanced_for_statement|method|function_expression|resource)$|^(class|module|class_expression)$/;
const neverNamed = /import|export|call|invocation|argument/;
/** Their `name` belongs to the scope around them. */
const ownersOutside = /function|method|class|module|struct|enum|interface|trait|constructor|type_spec|namespace/;
const parameterLists = /^(parameters|lambda_parameters|formal_parameters|method_parameters|block_parameters|closure_parameters|inferred_parameters)$/;
const assigning =
  /^(assignment|augmented_assignment|operator_assignment|for_statement|for_in_clause|for_in_statement|short_var_declaration|range_clause)$/;
/** Below these a declaration goes on: patterns, lists of targets. */
const transparent = /pattern|parameter|declarator$|left_assignment_list|expression_list|variable_name|variable_declaration|parameter_list/;
const notTargets = new Set([
  'type',
  'value',
  'right',
  'default_value',
  'default',
  'key',
  'size',
  'body',
  'parameters',
  'return_type',
  'arguments',
  'scope',
]);

const functions =
  /^(function_definition|function_declaration|function_expression|function_item|generator_function|generator_function_declaration|arrow_function|lambda|lambda_expression|closure_expression|func_literal|method|singleton_method|method_definition|method_declaration|constructor_declaration|anonymous_function|anonymous_function_creation_expression)$/;

/** Does a node of this type hold names of its own? */
export function opensScope(type: string): boolean {
  return functions.test(type);
}

/**
 * Are the identifiers at this place bound by it?
 * @param above what holds of the parent
 */
export function bindingOf(parent: string, field: string | null, above: Binding): Binding {
  if (field !== null && notTargets.has(field)) return null;
  if (parent === 'function_declarator') return field === 'declarator' ? 'outer' : null;
  if (above !== null && transparent.test(parent)) return above;
  if (field === 'name' && namedParents.test(parent) && !neverNamed.test(parent)) return ownersOutside.test(parent) ? 'outer' : 'inner';
  if (field === 'pattern' || field === 'declarator' || field === 'alias' || field === 'parameter') return 'inner';
  if (field === 'left' && assigning.test(parent)) return 'inner';
  if (field === null && (parameterLists.test(parent) || parent === 'typed_parameter')) return 'inner';
  return null;
}

const identifiers = new Set([
  'identifier',
  'type_identifier',
  'property_identifier',
  'field_identifier',
  'shorthand_property_identifier',
  'shorthand_property_identifier_pattern',
  'statement_identifier',
  'constant',
  'name',
]);

export function isIdentifier(type: string): boolean {
  return identifiers.has(type);
}

/** Is an identifier of this type, at this place, the name of a member of something else? */
export function isMember(type: string, parent: string, field: string | null): boolean {
  if (type === 'property_identifier' || type === 'field_identifier') return true;
  if (field === 'attribute' || field === 'property' || field === 'field') return true;
  return (field === 'name' || field === 'method') && /call|invocation|argument/.test(parent);
}
