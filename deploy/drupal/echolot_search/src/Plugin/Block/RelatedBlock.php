<?php

declare(strict_types=1);

namespace Drupal\echolot_search\Plugin\Block;

use Drupal\Core\Url;

/**
 * Related pages and "Was this article helpful?".
 *
 * @Block(
 *   id = "echolot_related",
 *   admin_label = @Translation("Echolot related pages"),
 *   category = @Translation("Search")
 * )
 */
final class RelatedBlock extends EcholotBlockBase {

  /**
   * {@inheritdoc}
   */
  public function build(): array {
    $page = Url::fromRoute('<current>', [], ['absolute' => TRUE, 'query' => []])->toString();
    $element = $this->element('echolot_related', ['page' => $page]);
    $element['#cache']['contexts'][] = 'url.path';
    return $element;
  }

}
